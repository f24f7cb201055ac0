# compresses and removes
$ echo x >f; lzma f; ls; lzma -dc f.lzma
f.lzma
x
~ busybox: only decompresses

# a filter
$ seq 10000 | lzma | lzma -d | cksum | cut -d ' ' -f 2
48894
~ busybox: only decompresses

# decompresses and removes
$ echo x >f; lzma f; lzma -d f.lzma; ls; cat f
f
x
~ busybox: only decompresses

# -k keeps
$ echo x >f; lzma -k f; ls; rm f; lzma -dk f.lzma; ls
f
f.lzma
f
f.lzma
~ busybox: only decompresses

# -c
$ echo x >f; lzma -c f >g; ls; lzma -dc <g
f
g
x
~ busybox: only decompresses

# -t
$ seq 1000 | lzma >f.lzma; lzma -t f.lzma; echo $?; head -c 100 f.lzma >g.lzma; lzma -t g.lzma 2>/dev/null; echo $?
0
1
~ busybox: only decompresses

# -1 and -9
$ seq 1000 | lzma -1 | lzma -d | tail -n 1; seq 1000 | lzma -9 | lzma -d | tail -n 1
1000
1000
~ busybox: only decompresses

# what is there is not replaced but by force
$ echo x >f; echo y >f.lzma; lzma f </dev/null 2>/dev/null; echo $?; lzma -f f; lzma -dc f.lzma
1
x
~ busybox: only decompresses

# empty input
$ lzma </dev/null | lzma -d | wc -c
0
~ busybox: only decompresses

# time and permissions stay
$ echo x >f; chmod 640 f; touch -d '2001-02-03 00:00:00' f; lzma f; stat -c '%a %Y' f.lzma; lzma -d f.lzma; stat -c '%a %Y' f
640 981158400
640 981158400
~ busybox: only decompresses
