$ printf 'a b c\n' | fmt
a b c
~ busybox: no such applet

$ printf 'one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen\n' | fmt -w 40
one two three four five six seven
eight nine ten eleven twelve thirteen
fourteen fifteen sixteen
~ busybox: no such applet

$ printf 'a\nb\n\nc\n' | fmt
a b
|
c
~ busybox: no such applet

$ printf '  a\n  b\n' | fmt
  a b
~ busybox: no such applet

$ printf 'a  b\n' | fmt -u
a b
~ busybox: no such applet

$ printf 'aaa bbb ccc ddd\nx\n' | fmt -s -w 8
aaa bbb
ccc ddd
x
~ busybox: no such applet

$ printf '# a\n# b\n' | fmt -p '# '
| # a b
~ busybox: no such applet

$ printf '' | fmt
~ busybox: no such applet

$ fmt missing
? 1
~ busybox: no such applet
