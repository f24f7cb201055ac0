$ nohup echo x 2>/dev/null
x
~ busybox: no such applet

$ nohup nosuchprogram 2>/dev/null
? 127
~ busybox: no such applet

$ nohup
? 125
~ busybox: no such applet

$ nohup false
? 1
~ busybox: no such applet

$ nohup sh -c 'exit 3'
? 3
~ busybox: no such applet

$ echo x | nohup cat
x
~ busybox: no such applet

$ nohup sh -c 'kill -HUP $$; echo alive'
alive
~ busybox: no such applet

$ nohup -- echo x
x
~ busybox: no such applet
