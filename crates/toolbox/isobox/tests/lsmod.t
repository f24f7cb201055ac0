$ lsmod x 2>/dev/null
? 1
~ busybox: takes no notice of it
