-- For each tenant: a role that reads like `worthwhile_reader`, and sees its own rows only.
CREATE ROLE IF NOT EXISTS {role}{on_cluster};
GRANT{on_cluster} SELECT ON {database}.* TO {role};
REVOKE{on_cluster} SELECT ON {database}.otlp_traces_in FROM {role};
ALTER SETTINGS PROFILE IF EXISTS worthwhile_reader{on_cluster} TO worthwhile_reader, worthwhile_finops, {tenant_roles};
