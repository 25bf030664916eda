"""The sub-commands of `worthwhile`, one module each: `add_arguments(parser)` and `run(arguments) -> exit status`."""
