# compresses and keeps
$ echo x >f; zstd -q f; ls; zstd -dc f.zst
f
f.zst
x
~ busybox: none

# a filter
$ seq 10000 | zstd | zstd -d | cksum | cut -d ' ' -f 2
48894
~ busybox: none

# --rm removes
$ echo x >f; zstd -q --rm f; ls
f.zst
~ busybox: none

# -o names the file
$ echo x >f; zstd -q f -o g; zstd -qd g -o h; cat h
x
~ busybox: none

# -o from standard input
$ echo x | zstd -q -o g; zstd -dc g
x
~ busybox: none

# levels of two digits
$ seq 20000 >f; zstd -q -1 -c f >a; zstd -q -19 -c f >b; test $(stat -c %s a) -gt $(stat -c %s b) && zstd -dc <b | cmp - f
~ busybox: none

# too high a level
$ echo x | zstd -23 >/dev/null 2>&1
? 1
~ busybox: none
~ gnu: takes the highest

# -t
$ echo x | zstd >f.zst; zstd -q -t f.zst; echo $?; head -c 8 f.zst >g.zst; zstd -q -t g.zst 2>/dev/null; echo $?
0
1
~ busybox: none

# what is there is not replaced but by force
$ echo x >f; echo y >f.zst; zstd -q f </dev/null 2>/dev/null; echo $?; zstd -qf f; zstd -dc f.zst
1
x
~ busybox: none

# --fast
$ seq 1000 | zstd --fast=3 | zstd -d | tail -n 1
1000
~ busybox: none
