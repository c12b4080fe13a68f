"""How far the comparison can be trusted: false alarms, detection and place, measured on recorded traces.

It drives the product's own path (bytes → `gate.codec` → `gate.normalize` → `gate.compare.learn`, `compare`, `judge`); there is
no second engine here. What it adds is labels: which traces are fault-free, which carry a known regression or mutation.
"""
