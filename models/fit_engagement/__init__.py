"""Who a lead is and what it did, ranked apart."""
