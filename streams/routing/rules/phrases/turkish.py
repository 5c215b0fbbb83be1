"""The Turkish phrases of each concept."""

from __future__ import annotations

from streams.routing.rules.phrases.listed import Phrases, listed

TURKISH: Phrases = {
    "proof": listed("kanıtla* | ispatla*"),
    "mathematics": listed("""
        olasılık* | denklem* | her n için | tüm n için | bütün n | tüm tam sayılar
        her x için
    """),
    "faults": listed("hata ayıkla* | kilitlenme* | kök neden* | bellek sızıntısı"),
    "systems": listed("dağıtık | tutarlılık | yüksek erişilebilirlik"),
    "design": listed("tasarla* | mimari*"),
    "judgement": listed("gerekçe* | riskleri | varsayım*"),
    "analysis": listed("karşılaştır* | analiz*"),
    "steps": listed("adım adım"),
    "computation": listed("hesapla* | iki katı* | üç katı*"),
    "explanation": listed("açıkla* | neden"),
    "prose": listed("deneme yaz* | hikaye"),
    "manner": listed("""
        daha kibar | daha nazik | daha resmi | kelimesi kelimesine | üslup* | sade bir dil*
        kelime oyun* | tüm bilgiler* | anlamını koru*
    """),
    "transform": listed("çevir* | özetle* | yeniden yaz*"),
    "conditions": listed("eğer | en az | en fazla"),
    "lookup": listed("ne zaman | nerede | nasıl yapabilirim | kaç para"),
    "service": listed("siparişim | kargo* | şifre*"),
    "greeting": listed("teşekkürler | merhaba"),
    "personal": listed("benim | lütfen"),
    "papers": listed("""
        kimliğimi | kimliğini | kimliğimin | kimlik kartı | kim olduğumu | ben olduğumu
        yaşımı | adresimi | ödediğimi
    """),
}
