"""Raw spans in Elasticsearch, beside a record store in SQL.

One document per (trace, export request). What a trace consists of stands in the record store's manifest, so every read is by
document id, which Elasticsearch answers in real time: nothing here waits for a refresh, and nothing that is lost goes unnoticed.
"""
