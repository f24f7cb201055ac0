$ printf 'a\nb\nc\n' | tac
c
b
a

$ printf 'a\nb\nc' | tac
cb
a

$ printf '' | tac

$ printf 'a\n' >f; printf 'b\n' >g; tac f g
a
b

$ printf 'a,b,c,' | tac -s ,
c,b,a,
\
~ busybox: says: invalid option -- 's'

$ printf ',a,b,c' | tac -b -s ,
,c,b,a
\
~ busybox: says: invalid option -- 'b'

$ printf '\n\na\n' | tac
a
|
|

$ tac missing
? 1

$ printf 'x\n' | tac - 
x
