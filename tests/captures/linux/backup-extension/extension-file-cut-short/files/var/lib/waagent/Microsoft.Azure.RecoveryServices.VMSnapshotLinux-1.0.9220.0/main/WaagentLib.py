# Stands for the library of the agent.
t