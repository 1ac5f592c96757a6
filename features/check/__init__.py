"""`readiness check`: is the database sound, mature, worked, and enough (gate) to learn from?"""
