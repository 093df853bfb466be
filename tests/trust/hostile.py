"""What surrounds the program is hostile: environment, links, files, tables. Each test gets a machine of its own."""
