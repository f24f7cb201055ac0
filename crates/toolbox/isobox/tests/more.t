$ printf 'a\nb\n' | more
a
b

$ printf 'a\n' >f; more f
a
~ gnu: prints otherwise

$ printf 'a\n' >f; printf 'b\n' >g; more f | cat
a
~ gnu: prints otherwise

$ printf '' | more

$ seq 100 | more | tail -n 1
100

$ printf 'a' | more
a
\

$ more missing
? 1
~ gnu: says: cannot open missing: No such file or directory

$ printf 'x\n' >f; more - <f
x
