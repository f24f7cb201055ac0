$ echo 'a:b:c' | cut -d : -f 2
b

$ echo 'a:b:c:d' | cut -d : -f 2-3
b:c

$ echo 'a:b:c:d' | cut -d : -f 3-
c:d

$ echo 'a:b:c:d' | cut -d : -f -2
a:b

$ echo 'a:b:c:d' | cut -d : -f 4,1
a:d

$ printf 'a\tb\n' | cut -f 2
b

$ echo abcdef | cut -c 2-4
bcd

$ echo abcdef | cut -b 1,3,5-
acef

$ echo abc | cut -d : -f 2
abc

$ echo abc | cut -s -d : -f 2

$ echo 'a:b:c' | cut -d : -f 1,3 --output-delimiter=-
a-c
~ busybox: says: unrecognized option '--output-delimiter=-'

$ echo 'a:b:c' | cut -d : -f 2 --complement
a:c
~ busybox: says: unrecognized option '--complement'

$ echo abcdef | cut -c 2-3 --complement
adef
~ busybox: says: unrecognized option '--complement'

$ echo abc | cut -c 0
? 1
~ busybox: prints otherwise

$ echo abc | cut
? 1

$ echo 'a:b:c' | cut -d :: -f 1
? 1
~ busybox: prints otherwise

$ printf 'a:b\nc' | cut -d : -f 2
b
c

$ printf 'a:\n:b\n::\n' | cut -d : -f 2
|
b
|

$ echo 'a:b:c' | cut -f2 -d:
b

$ echo abcdef | cut -c 9
|
