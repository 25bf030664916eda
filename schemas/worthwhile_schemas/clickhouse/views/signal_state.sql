-- The latest revision of every signal, and the unit of account that it speaks about: see `signal_states`.
CREATE OR REPLACE VIEW signal_state AS
SELECT *
FROM signal_states(scope = 'all');
