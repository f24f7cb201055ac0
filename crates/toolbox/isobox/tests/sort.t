$ printf 'b\na\nc\n' | sort
a
b
c

$ printf 'b\na\nc\n' | sort -r
c
b
a

$ printf '10\n9\n2\n' | sort -n
2
9
10

$ printf '10\n9\n2\n' | sort
10
2
9

$ printf 'b\na\nb\n' | sort -u
a
b

$ printf 'b 1\na 2\n' | sort -k 2
b 1
a 2

$ printf 'a:3\nb:1\n' | sort -t : -k 2n
b:1
a:3

$ printf 'B\na\nC\n' | sort -f
a
B
C

$ printf 'a\nB\n' | sort
B
a

$ printf '1.5\n1.10\n-2\n' | sort -n
-2
1.10
1.5

$ printf '1e3\n5\n-1e2\n' | sort -g
-1e2
5
1e3

$ printf '1K\n2M\n500\n' | sort -h
500
1K
2M
~ busybox: says: invalid option -- 'h'

$ printf 'Mar\nJan\nFeb\n' | sort -M
Jan
Feb
Mar

$ printf 'a10\na9\na1\n' | sort -V
a1
a9
a10

$ printf 'b\na\n' | sort -c
? 1

$ printf 'a\nb\n' | sort -c

$ printf 'a\na\n' | sort -cu
? 1

$ printf 'a\nc\n' >f; printf 'b\nd\n' >g; sort -m f g
a
b
c
d

$ printf 'b\na\n' >f; sort -o f f; cat f
a
b

$ printf 'b\0a\0' | sort -z | tr '\0' '\n'
a
b

$ printf 'x 2\ny 1\nx 1\n' | sort -k 1,1 -k 2,2n
x 1
x 2
y 1

$ printf 'b x\na x\n' | sort -s -k 2
b x
a x

$ printf '  b\na\n' | sort -b
a
  b

$ printf 'a b\na  a\n' | sort -k 2b
a  a
a b

$ printf 'a-b\nab\na c\n' | sort -d
a c
a-b
ab

$ printf '3\n1\n2\n' | sort -nr
3
2
1

$ printf 'b' | sort
b

$ printf '' | sort

$ printf 'a 1\nb 1\na 2\n' | sort -u -k 1,1
a 1
b 1

$ printf 'k2 a\nk1 b\n' | sort -k1.2,1.2
k1 b
k2 a

$ printf '1\n01\n' | sort -n
01
1

$ printf 'a,b\nc,a\n' | sort -t, -k2
c,a
a,b

$ sort missing
? 2

$ sort -k 0 /dev/null
? 2

$ seq 1000 | sort -R | sort -n | md5sum
53d025127ae99ab79e8502aae2d9bea6  -
~ busybox: says: invalid option -- 'R'

$ seq 20000 | sort -S 100k | md5sum
f4d44d248b0434457f5bef608f46fe77  -

$ seq 20000 | sort -n -r | head -n 2
20000
19999

$ printf 'a\nB\nb\nA\n' | sort -f
A
a
B
b

$ printf 'a b c\na a d\n' | sort -k 3,3r -k 2,2
a a d
a b c
