# a file
$ seq 1000 | xz >f.xz; unxz f.xz; ls; tail -n 1 f
f
1000
~ busybox: only decompresses

# standard input
$ echo x | xz | unxz
x
~ busybox: only decompresses

# -c
$ echo x | xz >f.xz; unxz -c f.xz; ls
x
f.xz
~ busybox: only decompresses

# -k
$ echo x | xz >f.xz; unxz -k f.xz; ls
f
f.xz
~ busybox: only decompresses

# a truncated file leaves nothing behind
$ seq 10000 | xz | head -c 1000 >f.xz; unxz f.xz 2>/dev/null; echo $?; ls
1
f.xz
~ busybox: only decompresses

# what is not compressed
$ echo hello world >f.xz; unxz f.xz 2>/dev/null; echo $?; ls
1
f.xz
~ busybox: copies what is not compressed

# an unknown suffix
$ echo x | xz >f.foo; unxz f.foo 2>/dev/null; echo $?; ls
1
f.foo
~ busybox: only decompresses
~ gnu: fails with 2

# what is there is not replaced
$ echo x | xz >f.xz; echo y >f; unxz f.xz </dev/null 2>/dev/null; echo $?; cat f
1
y
~ busybox: only decompresses

# streams in a row
$ echo a | xz >f.xz; echo b | xz >>f.xz; unxz -c f.xz
a
b
~ busybox: only decompresses

# lzma, too
$ echo a | lzma | unxz
a
~ busybox: only decompresses

# a wrong checksum
$ seq 1000 | xz >f.xz; n=$(stat -c %s f.xz); printf 'XXXX' | dd of=f.xz bs=1 seek=$((n / 2)) conv=notrunc 2>/dev/null; unxz -t f.xz 2>/dev/null
? 1
~ busybox: only decompresses
