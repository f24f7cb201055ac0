$ echo hello | sed s/l/L/
heLlo

$ echo hello | sed s/l/L/g
heLLo

$ echo hello | sed s/l/L/2
helLo

$ echo aaaa | sed s/a/b/2g
abbb
~ busybox: a count and g together mean all

$ echo abc | sed 's/x*/-/g'
-a-b-c-

$ echo baaac | sed 's/a*/x/g'
xbxcx

$ echo hello | sed -n 's/l/L/p'
heLlo

$ echo 'a b' | sed 's/\(.\) \(.\)/\2 \1/'
b a

$ echo 'a b' | sed -E 's/(.) (.)/\2 \1/'
b a

$ echo 'a b' | sed 's/b/[&]\&/'
a [b]&

# any character may delimit
$ echo /usr/bin | sed 's,/usr,/opt,'
/opt/bin

# a slash in brackets ends nothing
$ echo a/b/c | sed 's/[^/]*$//'
a/b/

# a newline in a replacement
$ printf 's/a/x\\\ny/' >s; echo ab | sed -f s
x
yb

$ printf 'a\nb\nc\n' | sed 2d
a
c

$ printf 'a\nb\nc\n' | sed -n 2p
b

$ printf 'a\nb\nc\n' | sed -n '$p'
c

$ printf 'a\nb\nc\nd\n' | sed 2,3d
a
d

$ printf 'a\nb\nc\nd\n' | sed '/b/,/c/d'
a
d

$ printf 'a\nb\nc\nd\n' | sed '2!d'
b

$ printf 'a\nb\nc\nd\n' | sed '2,1p;d'
b

# a range whose end is a line gone by is one line
$ printf 'a\nb\nc\n' | sed -n '/b/,1p'
b

$ printf '1\n2\n3\n4\n5\n' | sed -n '2,+1p'
2
3

$ printf '1\n2\n3\n4\n5\n' | sed -n '1~2p'
1
3
5
~ busybox: has no steps

$ printf '1\n2\n3\n4\n5\n' | sed -n '2,~4p'
2
3
4
~ busybox: has no multiples

# 0,/re/ may end at the first line
$ printf 'a\nb\na\n' | sed '0,/a/d'
b
a
~ busybox: begins at the first line

$ printf 'a\nb\na\n' | sed '1,/a/d'

$ printf 'a\nb\nc\n' | sed '/b/q'
a
b

$ printf 'a\nb\n' | sed 'q5'
a
? 5
~ busybox: has no status

$ printf 'a\nb\n' | sed -n '/a/{n;p}'
b

$ printf 'a\nb\nc\n' | sed 'N;s/\n/-/'
a-b
c

$ printf 'a\nb\nc\nd\n' | sed '$!N;P;D'
a
b
c
d

# the lines in reverse
$ printf 'a\nb\nc\n' | sed -n '1!G;h;$p'
c
b
a

$ printf 'a\nb\n' | sed G
a
|
b
|

$ printf 'a\nb\n' | sed 'x;$G'
|
a
b

$ echo abc | sed y/abc/xyz/
xyz

$ echo 'a/b' | sed 'y/\//|/'
a|b

$ printf 'a\nb\n' | sed '1a foo'
a
foo
b

$ printf 'a\nb\n' | sed '1a\  foo'
a
  foo
b

$ printf 'a\nb\n' | sed '2i foo'
a
foo
b

$ printf 'a\nb\nc\n' | sed '2c foo'
a
foo
c

# a changed range is printed once
$ printf 'a\nb\nc\n' | sed '1,2c foo'
foo
c

$ printf 'a\n' | sed -e 'a\' -e 'foo'
a
foo

$ printf 'a\nb\n' | sed -n '$='
2

$ printf 'a\nb\n' | sed =
1
a
2
b

# a loop
$ echo aaab | sed ':a;s/a\(a*b\)/\1-/;ta'
b---

$ echo x | sed -e ':top' -e 's/^.\{1,4\}$/&&/' -e 't top'
xxxxxxxx

$ echo a | sed 's/a/b/;T;s/b/c/'
c

$ echo a | sed 'b end;s/a/b/;:end'
a

$ echo a | sed 's/a/b/;b;s/b/c/'
b

$ printf 'a\tb\001\n' | sed -n l
a\tb\001$
~ busybox: Debian's has no l

$ echo 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' | sed -n 'l 20' | head -2
aaaaaaaaaaaaaaaaaaa\
aaaaaaaaaaaaaaaaaaa\
~ busybox: l takes no length

$ echo b >f; printf 'a\nc\n' | sed '1r f'
a
b
c

$ printf 'a\nb\n' | sed 'r missing'
a
b

$ printf '1\n2\n' >f; printf 'a\nb\nc\n' | sed 'R f'
a
1
b
2
c
~ busybox: has no R

$ printf 'a\nb\n' | sed -n '/b/w out'; cat out
b

$ printf 'a\nb\n' | sed -n 's/a/x/w out'; cat out
x

$ printf 'a\n' | sed 'w /dev/stdout'
a
a

# in place
$ echo a >f; sed -i s/a/b/ f; cat f
b

$ echo a >f; sed -i.bak s/a/b/ f; cat f f.bak
b
a

$ printf 'a\nb\n' >f; printf 'c\n' >g; sed -i '1s/^/x/' f g; cat f g
xa
b
xc

$ echo a >f; chmod 640 f; sed -i s/a/b/ f; stat -c %a f
640

# after q the rest of the file stays
$ printf 'a\nb\nc\n' >f; sed -i 1q f; cat f
a
b
c
~ busybox: cuts the file
~ gnu: cuts the file

$ printf 'a\nb\n' >f; printf 'c\n' >g; sed -n '$p' f g
c

$ printf 'a\nb\n' >f; printf 'c\n' >g; sed -s -n '$p' f g
b
c
~ busybox: has no -s

$ sed p missing
! sed: missing: No such file or directory
? 2
~ busybox: status 1
~ gnu: can't read

$ printf 'a' | sed p
a
a
\

$ printf 'a\nb' | sed s/b/c/
a
c
\

$ printf 'a\0b\0' | sed -z s/b/c/ | tr '\0' '!'
a!c!
\
~ busybox: has no -z

$ printf '#n\np\n' >s; echo a | sed -f s
a

$ printf '# comment\ns/a/b/ # another\n' >s; echo a | sed -f s
b

$ echo 'hello world' | sed 's/\w\+/\u&/g'
Hello World
~ busybox: has no \u

$ echo 'hello' | sed 's/.*/\U&\E!/'
HELLO!
~ busybox: has no \U

$ echo hello | sed 's/L/x/I'
hexlo

$ echo hello | sed -n '/HELLO/Ip'
hello
~ busybox: has no I after addresses

$ echo 'a.b' | sed 's/\./-/'
a-b

$ echo 'a+b' | sed 's/+/-/'
a-b

$ echo 'a+b' | sed -E 's/\+/-/'
a-b

$ printf 'a\tb\n' | sed 's/\t/ /'
a b

$ echo 'a b' | sed 's/ /\n/'
a
b

$ printf 'a\nb\n' | sed 'N;s/a$/x/M'
x
b
~ busybox: has no M

$ echo abc | sed 's/b*/x/2'
axc

# an empty expression is the last one
$ echo abc | sed '/b/s//x/'
axc

$ echo a | sed --expression=s/a/b/
b
~ busybox: the case is of GNU's long options

$ echo a | sed 's/a/b'
! sed: script line 1, char 5: unterminated `s' command
? 1
~ busybox: other words
~ gnu: other words

$ echo a | sed k
! sed: script line 1, char 1: unsupported command k
? 1
~ busybox: other words
~ gnu: other words

$ echo a | sed 'b nowhere'
! sed: can't find label for jump to 'nowhere'
? 1
~ busybox: says -e too
~ gnu: says -e too

$ echo a | sed '{p'
! sed: script line 1, char 2: unmatched {
? 1
~ busybox: other words
~ gnu: other words

$ echo a | sed 's/\(a\)/\2/'
! sed: script line 1, char 11: invalid reference \2 on `s' command's RHS
? 1
~ busybox: other words
~ gnu: other words

$ printf 'one\ntwo\n' | sed '/one/{s/o/0/;s/n/N/}'
0Ne
two

$ printf 'a\nb\nc\n' | sed '/a/{n;d}'
a
c

$ printf 'foo\n' | sed 's/o/0/;s/o/1/;y/f/F/'
F01

$ echo 1234567 | sed -e ':a' -e 's/\(.*[0-9]\)\([0-9]\{3\}\)/\1,\2/;ta'
1,234,567

$ printf 'a,b;c\n' | sed 's/[,;]/ /g'
a b c

$ printf '  x  \n' | sed 's/^ *//;s/ *$//'
x

$ printf 'a\n\n\nb\n' | sed '/^$/N;/\n$/D'
a
|
b

$ printf 'k=v\n' | sed -n 's/^k=//p'
v

$ printf 'a\nb\nc\nd\n' | sed -n '2{p;q}'
b

$ echo ab | sed 's|a\|b|x|'
ab
~ busybox: takes it for an alternative

$ echo ééé | LC_ALL=C.UTF-8 sed 's/./x/g'
xxx
~ busybox: no UTF-8

$ echo äö | LC_ALL=C.UTF-8 sed 'y/äö/ao/'
ao
~ busybox: no UTF-8
