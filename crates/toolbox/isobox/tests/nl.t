$ printf 'a\n\nb\n' | nl
     1	a
       
     2	b

$ printf 'a\n\nb\n' | nl -b a
     1	a
     2	
     3	b

$ printf 'a\nb\n' | nl -s : -w 2
 1:a
 2:b

$ printf 'a\nb\n' | nl -v 5 -i 5
     5	a
    10	b

$ printf 'a\nb\n' | nl -n ln
1     	a
2     	b
~ busybox: says: invalid option -- 'n'

$ printf 'a\nb\n' | nl -n rz -w 3
001	a
002	b
~ busybox: says: invalid option -- 'n'

$ printf 'a\n\n\n\nb\n' | nl -b a -l 2
     1	a
       
     2	
       
     3	b
~ busybox: says: invalid option -- 'l'

$ printf 'ab\ncd\n' | nl -b pc
       ab
     1	cd
~ busybox: prints otherwise

$ printf '\\:\\:\\:\nh\n\\:\\:\nb\n\\:\nf\n' | nl -h a
|
     1	h
|
     1	b
|
       f
~ busybox: says: invalid option -- 'h'

$ printf 'a\n' | nl -b n
       a

$ nl -b x /dev/null
? 1
~ busybox: the status is 0
