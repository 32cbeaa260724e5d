"""Mixed work for hours, and what the processes take meanwhile.

``python -m benchmarks.soak --minutes 120 --save`` starts the app and works in it like a
person: imports, studies, chats, decisions, rounds, exports, deletions, visits.
"""
