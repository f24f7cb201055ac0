$ printf 'apple\nbanana\nbat\ncat\n' >f; look ba f
banana
bat
~ busybox: no such applet

$ printf 'apple\nbanana\nbat\ncat\n' >f; look x f
? 1
~ busybox: no such applet

$ printf 'Apple\nbanana\n' >f; look -f app f
Apple
~ busybox: no such applet

$ printf 'a\nb\nc\n' >f; look a f
a
~ busybox: no such applet

$ printf 'a\nb\nc\n' >f; look c f
c
~ busybox: no such applet

$ printf 'a b\na c\n' >f; look -d 'a b' f
a b
~ busybox: no such applet

$ look
? 1
~ busybox: no such applet

$ look x missing
? 1
~ busybox: no such applet
