$ printf 'a\r\nb\r\n' | dos2unix | od -c
0000000
~ busybox: differs

$ printf 'a\r\n' >f; dos2unix f; od -c f
0000000   a  \r  \n
0000003
~ busybox: differs

$ printf 'a\nb\n' | dos2unix -d | od -c
0000000
~ busybox: differs

$ printf 'a\r\n' >f; chmod 600 f; dos2unix f; stat -c %a f
600

$ printf 'a' | dos2unix
? 127
~ busybox: differs

$ printf 'a\rb\r\n' | dos2unix | od -c
0000000
~ busybox: differs

$ printf '' | dos2unix
? 127
~ busybox: differs

$ dos2unix missing
? 127
~ busybox: differs
