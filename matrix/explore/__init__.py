"""The generic explorer: guarded rows of kernel code, run in every order of events.

It knows no kernel and no hardware. What there is to explore is one value, `scenario.Scenario`.
"""
