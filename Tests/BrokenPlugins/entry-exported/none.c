// There is no entry function at all.
int broken_nothing(void);
__attribute__((visibility("hidden"))) int broken_nothing(void) { return 1; }
