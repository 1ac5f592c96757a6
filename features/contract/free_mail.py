"""Domains of e-mail addresses that anybody can have: two people with one are no colleagues."""

_DOMAINS = """
126.com 139.com 163.com aol.com arcor.de att.net bigpond.com bluewin.ch bol.com.br
btinternet.com centrum.cz comcast.net cox.net daum.net duck.com email.de fastmail.com free.fr
freemail.hu freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hanmail.net
hey.com hotmail.co.uk hotmail.com hotmail.de hotmail.es hotmail.fr hotmail.it hushmail.com
icloud.com inbox.lv interia.pl kpnmail.nl laposte.net libero.it list.ru live.com live.de live.fr
live.nl mac.com mail.com mail.de mail.ru mailbox.org mailfence.com me.com msn.com naver.com
ntlworld.com o2.pl onet.pl online.de orange.fr outlook.com outlook.de outlook.es outlook.fr
posteo.de proton.me protonmail.ch protonmail.com qq.com rediffmail.com rocketmail.com
sbcglobal.net seznam.cz sfr.fr sina.com sky.com t-online.de telenet.be terra.com.br tutanota.com
uol.com.br verizon.net virgilio.it virginmedia.com wanadoo.fr web.de wp.pl yahoo.ca yahoo.co.in
yahoo.co.jp yahoo.co.uk yahoo.com yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.it yandex.com
yandex.ru ymail.com zoho.com zonnet.nl
"""
FREE_MAIL = frozenset(_DOMAINS.split())
