"""The sampled requests of a standalone server, in a table of Vertex's columns.

A logged request goes from the queue in memory to the spool on disk, at each flush, and from there
to BigQuery. Each is in one place at any time:

    sampled = written + queued + spooled + dropped

A process that is killed loses what its queue held, one flush interval at most; the next process
sends what the spool holds. The table may get a row twice: its view holds it once.
"""
