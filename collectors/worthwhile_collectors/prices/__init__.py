"""The actions of `worthwhile prices`, one module each."""
