// Needs a function that nobody has.

int nowhere_to_be_found(void);

__attribute__((visibility("default"))) int incomplete_start(void);
int incomplete_start(void) { return nowhere_to_be_found(); }
