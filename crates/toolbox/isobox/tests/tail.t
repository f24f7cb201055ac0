$ seq 20 | tail
11
12
13
14
15
16
17
18
19
20

$ seq 20 | tail -n 3
18
19
20

$ seq 20 | tail -3
18
19
20

$ seq 5 | tail -n +4
4
5

$ seq 5 | tail +4
4
5

$ seq 5 | tail -c 4
4
5

$ seq 5 | tail -c +8
|
5

$ seq 20 >f; tail -n 2 f
19
20

$ seq 20 >f; tail -n +19 f
19
20

$ seq 3 >f; seq 4 6 >g; tail -n 1 f g
==> f <==
3
|
==> g <==
6

$ seq 3 >f; tail -v -n 1 f
==> f <==
3

$ printf 'a\nb' >f; tail -n 1 f
b
\

$ printf 'a\0b\0c\0' | tail -z -n 2 | tr '\0' '\n'
b
c
~ busybox: says: invalid option -- 'z'

$ tail -n 0 /etc/passwd

$ tail missing
? 1

$ seq 30000 >f; tail -n 20000 f | md5sum
4b6961042cbbf13f2862e01d537342ac  -

$ seq 3 >f; tail -f f >out & echo 4 >>f; until grep -q 4 out; do sleep 0.05; done; kill $!; cat out
1
2
3
4

$ seq 3 >f; tail -F f >out 2>/dev/null & until grep -q 3 out; do sleep 0.05; done; mv f g; echo 4 >f; until grep -q 4 out; do sleep 0.05; done; kill $!; cat out
1
2
3
4
