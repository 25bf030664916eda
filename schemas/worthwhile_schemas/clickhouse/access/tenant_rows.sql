-- For each tenant and each table that says whose rows it holds.
CREATE ROW POLICY OR REPLACE {role}{on_cluster} ON {database}.{table}
FOR SELECT USING {column} IN ({services}) TO {role};
