$ printf 'a\nb\n' | unix2dos | od -c
0000000
~ busybox: differs

$ printf 'a\n' >f; unix2dos f; od -c f
0000000   a  \n
0000002
~ busybox: differs

$ printf 'a\r\n' | unix2dos | od -c
0000000
~ busybox: differs

$ printf 'a\r\nb\r\n' | unix2dos -u | od -c
0000000
~ busybox: differs

$ printf 'a' | unix2dos
? 127
~ busybox: differs

$ printf '' | unix2dos
? 127
~ busybox: differs

$ printf '\n' | unix2dos | od -c
0000000
~ busybox: differs

$ unix2dos missing
? 127
~ busybox: differs
