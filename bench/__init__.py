"""Benchmarks: speed as ratios to floors measured in the same run, and the accuracy of the comparison."""
