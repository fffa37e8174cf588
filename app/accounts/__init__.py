"""Accounts: who uses dicomsearch, how they prove it, and what they may do.

Users, their sessions and their tokens are in Redis. Each request is guarded (`guarding`): who asks is found out, and
compared with what the route asks (`rules`).
"""
