// cc: -g
__attribute__((visibility("default"))) double half(double number);
double half(double number) { return number / 2; }
