-- For each tenant and each table that does not say whose rows it holds, and is about calls or tasks: nothing.
CREATE ROW POLICY OR REPLACE {role}{on_cluster} ON {database}.{table}
FOR SELECT USING 0 TO {role};
