// The test plugin exports its entry function only.
