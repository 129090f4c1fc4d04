// What it exports by that name is no function.
__attribute__((visibility("default"))) int bridge_plugin_entry = 1;
