$ seq 20 | head
1
2
3
4
5
6
7
8
9
10

$ seq 20 | head -n 3
1
2
3

$ seq 20 | head -3
1
2
3

$ seq 5 | head -n -2
1
2
3

$ seq 5 | head -c 4
1
2

$ seq 5 | head -c -4
1
2
3

$ seq 3 >f; seq 4 6 >g; head -n 1 f g
==> f <==
1
|
==> g <==
4

$ seq 3 >f; head -v -n 1 f
==> f <==
1

$ seq 3 >f; seq 4 6 >g; head -q -n 1 f g
1
4

$ head -n x /dev/null
? 1

$ head missing
? 1

$ printf 'a\0b\0c\0' | head -z -n 2 | tr '\0' '\n'
a
b
~ busybox: says: invalid option -- 'z'

$ seq 3000 | head -c 1k | wc -c
1024

$ seq 5 >f; (head -n 2 >/dev/null; cat) <f
3
4
5

$ printf 'ab' | head -n 1
ab
\

$ head -n 0 /etc/passwd
