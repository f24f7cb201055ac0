$ arch | grep -c "^$(uname -m)\$"
1

$ arch x 2>/dev/null
? 1
~ busybox: takes no notice of it
