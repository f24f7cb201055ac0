# the archive within
$ { printf '\355\253\356\333'; head -c 92 /dev/zero; printf '\216\255\350\001\0\0\0\0\0\0\0\0\0\0\0\003abc\0\0\0\0\0'; printf '\216\255\350\001\0\0\0\0\0\0\0\001\0\0\0\002'; head -c 18 /dev/zero; echo hello | gzip; } >x.rpm; rpm2cpio x.rpm
hello
~ gnu: not installed

# standard input, another compression
$ { printf '\355\253\356\333'; head -c 92 /dev/zero; printf '\216\255\350\001\0\0\0\0\0\0\0\0\0\0\0\0'; printf '\216\255\350\001\0\0\0\0\0\0\0\0\0\0\0\0'; echo hello | bzip2; } | rpm2cpio
hello
~ gnu: not installed
~ busybox: only files

# what is no package
$ seq 100 >x.rpm; rpm2cpio x.rpm 2>/dev/null
? 1
~ gnu: not installed

# a truncated package
$ printf '\355\253\356\333' >x.rpm; rpm2cpio x.rpm 2>/dev/null
? 1
~ gnu: not installed
