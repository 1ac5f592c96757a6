"""`readiness check`: is the database sound, mature, worked and large enough (gate) to learn from?"""
