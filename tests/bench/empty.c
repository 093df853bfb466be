// The floor of any process.
int main(void) { return 0; }
