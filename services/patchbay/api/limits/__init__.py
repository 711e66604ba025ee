"""How much a key may ask and an account may write, counted over all copies of the API."""
