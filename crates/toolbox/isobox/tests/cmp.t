$ printf abc >f; printf abc >g; cmp f g

$ printf abc >f; printf abd >g; cmp f g
f g differ: char 3, line 1
? 1

$ printf abc >f; printf abd >g; cmp -s f g
? 1

$ printf abc >f; printf xbd >g; cmp -l f g
1 141 170
3 143 144
? 1

$ printf abc >f; printf ab >g; cmp f g
? 1

$ printf 'a\nb\n' >f; printf 'a\nc\n' >g; cmp f g
f g differ: char 3, line 2
? 1

$ printf abc >f; printf abd >g; cmp -n 2 f g

$ printf abc >f; printf xbc >g; cmp f g 1 1

$ printf abc >f; printf xbc >g; cmp -i 1 f g
~ busybox: says: invalid option -- 'i'

$ printf abc >f; printf abc | cmp f

$ printf abc >f; printf abc | cmp f -

$ cmp missing /dev/null
? 2

$ cmp -s missing /dev/null
? 2

$ printf abc >f; printf ab >g; cmp -s f g
? 1
