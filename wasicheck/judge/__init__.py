"""(vector, observation) to verdict; pure."""
