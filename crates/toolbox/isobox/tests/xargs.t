$ echo a b c | xargs
a b c

$ printf 'a b\nc\n' | xargs -n 1
a
b
c

$ printf 'a\0b c\0' | xargs -0 -n 1
a
b c

$ printf 'a\nb\n' | xargs -I X echo -X-
-a-
-b-

$ printf '' | xargs echo x
x

$ printf '' | xargs -r echo x

$ printf 'a "b c" d\n' | xargs -n 1
a
b c
d

$ printf 'a\\ b c\n' | xargs -n 1
a b
c

$ printf 'a\nb c\nd\n' | xargs -L 1 echo x
x a
x b c
x d
~ busybox: says: invalid option -- 'L'

$ echo a b | xargs -t echo 2>/dev/null
a b

$ seq 5 | xargs -n 2
1 2
3 4
5

$ echo a | xargs false
? 123

$ echo a | xargs sh -c 'exit 255'
? 124

$ echo a | xargs nosuchprogram
? 127

$ printf 'a b _ c\n' | xargs -E _
a b

$ seq 4 | xargs -P 2 -n 1 | sort
1
2
3
4

$ printf 'a,b,c' | xargs -d , -n 1
a
b
c
~ busybox: says: invalid option -- 'd'

$ seq 3 >f; xargs -a f
1 2 3

$ seq 1000 | xargs -s 100 | wc -l
43

$ printf "a'b\n" | xargs
? 1

$ printf 'x\n' | xargs -I {} echo {} {}
x x

$ seq 100000 | xargs echo | wc -w
100000
