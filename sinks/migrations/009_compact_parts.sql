-- What one insert brings stays in one file of data: a part of some two hundred files, one or more
-- for each column, costs more CPU to create than its rows to write. What is merged beyond this size
-- is laid out by column.
ALTER TABLE ${DATABASE}.calls ${ON_CLUSTER} MODIFY SETTING min_bytes_for_wide_part = 67108864;
ALTER TABLE ${DATABASE}.quality ${ON_CLUSTER} MODIFY SETTING min_bytes_for_wide_part = 67108864;
ALTER TABLE ${DATABASE}.outcomes ${ON_CLUSTER} MODIFY SETTING min_bytes_for_wide_part = 67108864;
