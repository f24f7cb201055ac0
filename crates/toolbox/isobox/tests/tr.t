$ echo abc | tr a-c A-C
ABC

$ echo hello | tr -d l
heo

$ echo aabbcc | tr -s a-z
abc

$ echo aabbcc | tr -s ab
abcc

$ echo 'hello world' | tr -d '[:space:]'
helloworld
\

$ echo Hello | tr '[:upper:]' '[:lower:]'
hello

$ echo abc123 | tr -cd '0-9\n'
123

$ echo abc | tr -c 'a\n' x
axx

$ echo abc | tr abc x
xxx

$ echo abcd | tr abcd 'x[y*]z'
xyyz
~ busybox: prints otherwise

$ printf 'a\tb\n' | tr '\t' ' '
a b

$ printf 'a b\n' | tr ' ' '\012'
a
b

$ echo 'a-b' | tr '\-' _
a_b

$ echo '[a]' | tr '[]' '()'
(a)

$ echo aabb | tr -ds a b
b

$ echo abc | tr '[=a=]' x
xbc

$ echo abc | tr
? 1

$ echo abc | tr a
? 1
~ busybox: prints otherwise

$ echo abc | tr -t abc xy
xyc
~ busybox: says: invalid option -- 't'

$ printf 'a\\b\n' | tr '\\' /
a/b

$ echo abc | tr z-a x
? 1
~ busybox: prints otherwise

$ echo 'aaa' | tr -s a b
b

$ printf '\001\002' | tr '\000-\010' x
xx
\
