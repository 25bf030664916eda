-- For each table that says whose rows it holds: roles without a tenant see all of them.
CREATE ROW POLICY OR REPLACE worthwhile_everyone{on_cluster} ON {database}.{table}
FOR SELECT USING 1 TO ALL EXCEPT {tenant_roles};
