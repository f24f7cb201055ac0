# compresses and removes
$ echo x >f; xz f; ls; xz -dc f.xz
f.xz
x
~ busybox: only decompresses

# a filter
$ seq 10000 | xz | xz -d | cksum | cut -d ' ' -f 2
48894
~ busybox: only decompresses

# decompresses and removes
$ echo x >f; xz f; xz -d f.xz; ls; cat f
f
x
~ busybox: only decompresses

# -k keeps
$ echo x >f; xz -k f; ls; rm f; xz -dk f.xz; ls
f
f.xz
f
f.xz
~ busybox: only decompresses

# -c
$ echo x >f; xz -c f >g; ls; xz -dc <g
f
g
x
~ busybox: only decompresses

# -t
$ seq 1000 | xz >f.xz; xz -t f.xz; echo $?; head -c 100 f.xz >g.xz; xz -t g.xz 2>/dev/null; echo $?
0
1
~ busybox: only decompresses

# -1 and -9
$ seq 1000 | xz -1 | xz -d | tail -n 1; seq 1000 | xz -9 | xz -d | tail -n 1
1000
1000
~ busybox: only decompresses

# what is there is not replaced but by force
$ echo x >f; echo y >f.xz; xz f </dev/null 2>/dev/null; echo $?; xz -f f; xz -dc f.xz
1
x
~ busybox: only decompresses

# empty input
$ xz </dev/null | xz -d | wc -c
0
~ busybox: only decompresses

# time and permissions stay
$ echo x >f; chmod 640 f; touch -d '2001-02-03 00:00:00' f; xz f; stat -c '%a %Y' f.xz; xz -d f.xz; stat -c '%a %Y' f
640 981158400
640 981158400
~ busybox: only decompresses
