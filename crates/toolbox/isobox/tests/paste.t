$ printf '1\n2\n' >f; printf 'a\nb\n' >g; paste f g
1	a
2	b

$ printf '1\n2\n3\n' >f; printf 'a\n' >g; paste f g
1	a
2	
3	
~ busybox: prints otherwise

$ printf '1\n2\n' >f; printf 'a\nb\n' >g; paste -d , f g
1,a
2,b

$ seq 4 | paste -s
1	2	3	4

$ seq 4 | paste -s -d ,
1,2,3,4

$ seq 6 | paste - - -
1	2	3
4	5	6

$ seq 4 | paste -s -d ',;'
1,2;3,4

$ printf '1\n2\n' >f; printf 'a\nb\n' >g; paste -s f g
1	2
a	b

$ printf '1\n2\n' >f; paste -d '\n' f f
1
1
2
2

$ printf '1' >f; printf 'a' >g; paste f g
1	a

$ paste missing
? 1

$ printf '1\n' >f; paste -d '\0' f f
11
