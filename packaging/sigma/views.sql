-- The fields of the taxonomy (README.md): the columns of the rows, lists as text, and what only several tables tell.
-- DuckDB reads container_exit.parquet, container_remove.parquet and disagreement.parquet of one case from the current directory.

-- Aspects under which sources contradict each other, of each life.
CREATE VIEW disputed_life AS
SELECT container_id, hierarchy_id, cgroup_id, seq, string_agg(DISTINCT aspect, ', ' ORDER BY aspect) AS aspects
FROM 'disagreement.parquet'
GROUP BY ALL;

CREATE VIEW removed_life AS
SELECT container_id, hierarchy_id, cgroup_id, created_seq, min(seq) AS seq
FROM 'container_remove.parquet'
GROUP BY ALL;

CREATE VIEW container_exit AS
SELECT life.* REPLACE (
           array_to_string(life.killed_by_argv, ' ') AS killed_by_argv,
           array_to_string(life.requested_by, ' > ') AS requested_by,
           array_to_string(life.signals, '; ') AS signals,
           array_to_string(life.conflicts, '; ') AS conflicts),
       -- A life without a directory of its own has none that could stay.
       CASE WHEN life.cgroup_id IS NOT NULL THEN removal.seq IS NOT NULL END AS removed,
       disputed_life.aspects AS disputed
FROM 'container_exit.parquet' AS life
LEFT JOIN removed_life AS removal
    ON removal.container_id = life.container_id
    AND removal.hierarchy_id = life.hierarchy_id
    AND removal.cgroup_id = life.cgroup_id
    AND removal.created_seq IS NOT DISTINCT FROM life.created_seq
-- A contradiction is decided with the removal, or at the end of the case.
LEFT JOIN disputed_life
    ON disputed_life.container_id = life.container_id
    AND disputed_life.hierarchy_id = life.hierarchy_id
    AND disputed_life.cgroup_id = life.cgroup_id
    AND (disputed_life.seq = removal.seq OR removal.seq IS NULL);

CREATE VIEW container_remove AS
SELECT * REPLACE (
           array_to_string(removed_by_argv, ' ') AS removed_by_argv,
           array_to_string(killed_by_argv, ' ') AS killed_by_argv,
           array_to_string(requested_by, ' > ') AS requested_by,
           array_to_string(signals, '; ') AS signals,
           array_to_string(conflicts, '; ') AS conflicts)
FROM 'container_remove.parquet';
